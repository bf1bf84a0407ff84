// speedup answers GET /echo?text=… with the text it was given.
package main

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

type reply struct {
	Text string `json:"text"`
}

func main() {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.GET("/echo", echo)
	if err := router.Run(); err != nil { // :8080, or the port in $PORT
		panic(err)
	}
}

func echo(context *gin.Context) {
	context.JSON(http.StatusOK, reply{Text: context.Query("text")})
}
