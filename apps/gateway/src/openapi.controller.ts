import { Controller, Get } from '@nestjs/common';
import { openapiDocument } from './openapi';

@Controller()
export class OpenapiController {
  private readonly document = openapiDocument();

  @Get('openapi.json')
  show(): Record<string, unknown> {
    return this.document;
  }
}
