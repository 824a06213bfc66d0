"""The rows of a damaged history, read from its pages without SQLite.

- `damaged_file`: the pages of the file and of its WAL
- `page_decoder`: records in a page
- `table_shapes`: which table a record is of
- `row_finder`: the rows of each table
- `index_finder`: the entries of indexes
- `row_writer`: write the rows into a new history
"""
