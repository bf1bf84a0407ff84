# Tests a page: it must have no line TODO. The page is the file that the argument names.
if grep -q TODO "$1"; then
  echo "the test failed: $1 has a TODO" >&2
  exit 1
fi
echo "the test passed" >&2
