"""What every consensus protocol needs and none of them invents: each part stands here once, and a protocol holds it.

A replica is composed of these parts and of its own rules. A part takes what differs between protocols as a parameter:
a timer's name, a function, or a small object with the questions that only the protocol can answer.
"""
