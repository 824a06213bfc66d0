"""The commands, a module for each group of them; `parser` names the module and function of each."""
