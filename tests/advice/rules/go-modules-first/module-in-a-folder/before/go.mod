module example.com/app
replace example.com/x => ./x
