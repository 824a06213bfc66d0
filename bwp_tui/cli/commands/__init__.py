"""The commands of `bwp-tui`, in modules of their names. Others are in:

- `archive`: inspect, pack
- `backup`: restore
- `import_csv`: import
- `list`: show, sent, views
- `record_operations`: note, tag, assign, verify, acknowledge, inquire, reply, extend, answer, correct, decline, appeal
- `report`: dashboard, regulations
- `service_operations`: download, send, approve, resubmit, cancel, refresh, wait
- `submit`: track, settle
"""
