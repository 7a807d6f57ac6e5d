"""What the product does, one module for each activity, over the ports of the domain."""
