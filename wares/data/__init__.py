"""Plain data: ids, catalog, events, history, hits. No algorithm lives here."""
