"""What the chain is and where it is kept: types, codecs, tries, and the LevelDB store."""
