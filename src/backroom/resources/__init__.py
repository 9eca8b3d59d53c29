"""What you declare: facts only, no I/O."""
