// speedup answers GET /echo?text=… with the text it was given.
import express from 'express';

const app = express();

app.get('/echo', (request, response) => {
  response.json({ text: request.query.text ?? '' });
});

app.listen(Number(process.env.PORT ?? 8080), '0.0.0.0');
