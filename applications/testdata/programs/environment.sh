#!/bin/sh
# Prints the environment, a variable a line.
echo "Content-Type: text/plain"
echo
env | sort
echo "ARGUMENTS=$#"
echo "FOLDER=$(pwd)"
