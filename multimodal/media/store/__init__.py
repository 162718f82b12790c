"""How prepared clips are written: shards, the journal of what is safe in them, and the tables made of journals."""
