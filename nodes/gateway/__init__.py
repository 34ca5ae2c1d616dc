"""The gateway of a node: HTTP for applications, in a process of its own, so that no client slows consensus down."""
