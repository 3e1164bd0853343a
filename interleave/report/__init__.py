"""The windows: a verdict, an observation, a trace or a list of steps as a person reads them, or a program does.

Read next: `text` for the terminal page, `document` for JSON.
"""
