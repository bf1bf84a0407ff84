// speedup answers GET /echo?text=… with the text it was given.
package main

import (
	"net/http"
	"os"

	"github.com/gin-gonic/gin"
)

type reply struct {
	Text string `json:"text"`
}

func main() {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.GET("/echo", echo)
	if err := router.Run(os.Args[1:]...); err != nil { // the address given, else :8080 or $PORT
		panic(err)
	}
}

func echo(context *gin.Context) {
	context.JSON(http.StatusOK, reply{Text: context.Query("text")})
}
