#!/usr/bin/python3
# A program with a fault, which it tells on its standard error.
print("Content-Type: text/html")
raise ValueError("the fault of this program")
