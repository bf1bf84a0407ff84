# Prints the whole table: 10 MB, made of numbers.txt.
yes "$(cat numbers.txt)" | head -c 10000000
