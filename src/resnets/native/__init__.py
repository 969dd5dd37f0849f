"""Native kernels: convolutions and batch norms written for the CPU, used where they are there and pay."""
