"""Backups: what they hold, how they are written, verified and restored.

A backup is a set of named files, in a folder or in one ZIP file:

    databases/<database>/<collection>.bson.gz   documents one after the other, as of one moment
    objects.jsonl.gz                            a line for each object: {"key", "sha256", "size"}
    objects/<aa>/<sha256>                       the content of objects; shared by all backups of a folder
    secrets.json                                sealed with a passphrase, or plain where that was asked for
    manifest.json                               written last: the checksums of all the others, and its own

In a folder, all but the objects stands below `backups/<id>/`.
"""
