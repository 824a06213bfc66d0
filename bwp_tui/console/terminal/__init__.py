"""The terminal below Textual. Nothing of tasks.

Output:

- `diff_driver`: the driver, which sends only cells that changed
- `frame_parser`: the frames that Textual writes, as cells
- `screen_buffer`, `row_diff`: the cells that differ from those on the screen
- `ansi_writer`, `sgr`: the bytes that change cells and styles
- `output_writer`: write bytes without waiting for a stalled terminal

Input:

- `key_reader`: bytes as keys, pastes and reports
- `key_bursts`: recognize pastes that the terminal did not mark
- `key_queue`: deliver keys one at a time

Others:

- `clipboard`, `notification`: what terminals do beside text
- `hangup_detector`: end the console with its terminal
- `textual_compat`: private and undocumented names of Textual
"""
