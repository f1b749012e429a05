"""Keep depth right: one venue's book, all venues in one order of all-in price, and the views decisions are made on."""
