"""What a gallery's own products teach: sums over its features, a projection fitted from them, and its proof."""
