"""The demonstration county 云溪县: invented from end to end, the same on every machine.

`place` draws it, `ground` and `people` write it down, `history` lives thirty days in it through the real actions.
"""
