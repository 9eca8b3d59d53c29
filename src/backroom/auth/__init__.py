"""Who is asking: accounts, passwords, sessions, tokens, and the addresses where people sign up, in and out."""
