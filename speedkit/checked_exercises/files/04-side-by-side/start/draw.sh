# Draws one side of the picture: `sh draw.sh left` reads left.txt. It takes two seconds.
echo "drawing the $1 side" >&2
sleep 2
echo "$1: $(cat "$1.txt")"
