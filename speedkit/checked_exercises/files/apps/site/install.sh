# Installs the tools of tools.txt into /tools.
mkdir -p /tools
grep -v '^#' tools.txt | while read -r tool; do
  echo "installing $tool" >&2
  echo "made by the $tool" > "/tools/$tool"
done
