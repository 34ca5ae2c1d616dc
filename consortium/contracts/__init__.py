"""One system of the domain each; every module offers one `CONTRACT`."""
