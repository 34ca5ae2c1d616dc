"""Pure foundations: machines, hosts, messages, keys, quorums. Imports nothing of the other rooms."""
