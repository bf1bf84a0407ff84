echo "installing the tools" >&2
echo "tools" > /tools.txt
