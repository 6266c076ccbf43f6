"""The blocks that specs name. One file a block; each is imported when a spec names it."""
