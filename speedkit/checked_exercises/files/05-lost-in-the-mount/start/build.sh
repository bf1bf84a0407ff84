# Makes out/book.txt from the chapters. A chapter that is in out/ already, as it is now, is not made again.
mkdir -p out
: > out/book.txt
for chapter in chapters/*.txt; do
  page="out/$(sha256sum < "$chapter" | cut -c 1-16).page"
  if [ ! -e "$page" ]; then
    echo "making $chapter" >&2
    tr 'a-z' 'A-Z' < "$chapter" > "$page"
  fi
  cat "$page" >> out/book.txt
done
