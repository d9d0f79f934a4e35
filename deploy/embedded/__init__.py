"""The whole platform on one machine: servers and services under one supervisord, all state in one folder."""
