"""The command line: the console's actions as commands, and plain mode.

- `main`: run a command line
- `parser`, `parser_operations`, `parser_tables`, `parser_setup`: its grammar
- `argparse_base`, `argument_types`: what the parts of the grammar share; convert arguments
- `exit_codes`: exit codes, and the error that ends a command
- `commands`: the commands, in modules of their names
- `setup`: the commands that set the program up and check it
- `support`: what several commands share
- `console`: open the console
- `plain`: `--plain`, for screen readers
"""
