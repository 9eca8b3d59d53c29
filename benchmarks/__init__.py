"""The comparison behind `make bench`: the same todos work against Backroom and its peers, in one run."""
