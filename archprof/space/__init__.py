"""Search spaces: networks whose tables leave cells open, counted, ranked and drawn without naming each."""
