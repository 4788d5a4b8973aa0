"""A federation partner for SIP servers: simulated Skype for Business peers, and the server they are tried on."""
