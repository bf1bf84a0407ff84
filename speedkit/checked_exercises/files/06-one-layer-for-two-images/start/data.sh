# Prints the data that both programs need: 5 MB.
yes "the data of both" | head -c 5000000
