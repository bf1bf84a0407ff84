"""speedup answers GET /echo?text=… with the text it was given."""

import os

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Reply(BaseModel):
    text: str


@app.get("/echo")
def echo(text: str = "") -> Reply:
    return Reply(text=text)


if __name__ == "__main__":
    uvicorn.run(app, host="0.0.0.0", port=int(os.environ.get("PORT", "8080")))
