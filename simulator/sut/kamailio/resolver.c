/* Sends the DNS questions of the C library's resolver to SIPFED_DNS_ADDRESS and SIPFED_DNS_PORT, which resolv.conf
   cannot say. Loaded by LD_PRELOAD; it covers the main thread of each process, which is all that Kamailio has. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>

#undef res_init
/* The name that programs are linked with; whoever sets the resolver up again must not lose what we say. */
int __res_init(void)
{
    int (*real)(void) = (int (*)(void))dlsym(RTLD_NEXT, "__res_init");
    const char *address = getenv("SIPFED_DNS_ADDRESS"), *port = getenv("SIPFED_DNS_PORT");
    int result = real();
    if (address != NULL && port != NULL) {
        _res.nscount = 1;
        _res.nsaddr_list[0].sin_family = AF_INET;
        _res.nsaddr_list[0].sin_port = htons((unsigned short)atoi(port));
        inet_pton(AF_INET, address, &_res.nsaddr_list[0].sin_addr);
        _res.retrans = 2;
        _res.retry = 1;
    }
    return result;
}

__attribute__((constructor)) static void start(void)
{
    __res_init();
}
