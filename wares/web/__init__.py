"""The pages of a shop: server-rendered, working without JavaScript, with nothing fetched from elsewhere."""
