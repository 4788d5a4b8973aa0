"""A federation partner for SIP servers: simulated Skype for Business and Teams peers, and the server they are tried on."""
