"""The asyncio driver: the only place in `simulator` with sockets, threads and real time."""
