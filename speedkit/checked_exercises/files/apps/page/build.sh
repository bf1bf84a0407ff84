# Prints the page: each line of page.txt that is no comment, in capitals.
echo "building the page" >&2
grep -v '^#' page.txt | tr 'a-z' 'A-Z'
