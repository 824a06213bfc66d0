"""Download results to disk: slots, transfers that resume where they were cut, verification, publication.

- `downloader`: the worker: a link for each free slot, verification, publication
- `slots`: run a limited number of downloads
- `resume_loop`: attempt after attempt, until the part file is complete
- `transfer_thread`, `progress_recorder`: one attempt; record how far it came
- `transfer_rate`: its speed, and whether that is too low
- `part_file`, `threaded_hash`: the file on disk, and its hash
- `part_cleanup`: remove part files
- `disk_space`: check that the disk has space
"""
