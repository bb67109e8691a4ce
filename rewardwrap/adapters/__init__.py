"""Hosts: where rewards are paid. One file for each."""
