# Prints what the server answers: another price list each time.
echo "fetching the price list" >&2
echo "price list $(cat /proc/sys/kernel/random/uuid)"
