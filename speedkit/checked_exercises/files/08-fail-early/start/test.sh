# Tests site.txt: it must have no line TODO. It takes a second.
echo "testing the site" >&2
sleep 1
if grep -q TODO site.txt; then
  echo "the test failed: site.txt has a TODO" >&2
  exit 1
fi
