"""One request, start to end: what is declared, answered over HTTP and described."""
