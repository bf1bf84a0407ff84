# Prints the site: site.txt, and a line for each tool.
echo "building the site" >&2
cat site.txt /tools/*
