#!/bin/sh
# Runs the program that the build made: meson has no other way to name one of another folder by path.
exec "$@"
