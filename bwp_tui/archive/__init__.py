"""Verify, list, preview, unpack and encrypt downloaded archives, whose content is taken for hostile.

- `directory`: the list of entries at the end of a zip
- `entry`: one entry, and what is wrong with it
- `archive_file`: open an archive, and read its entries
- `limits`: how much is listed, shown and unpacked
- `verify`: whether an archive is whole, and remarks on it
- `preview`, `json_tree`, `html_text`: show the beginning of an entry
- `unpack`: write the entries to a folder
- `encrypt`: encrypt a copy for one recipient
- `saved_file`: whether a saved file is still the one that was downloaded
"""
