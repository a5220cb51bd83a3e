"""Networks that look at pictures: their weights, as layers and as graphs."""
