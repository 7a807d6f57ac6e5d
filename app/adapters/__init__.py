"""What the product touches: each module brings one port of the domain to the outside world."""
